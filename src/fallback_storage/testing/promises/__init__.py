"""The promises of the contract, a module for each subject."""
