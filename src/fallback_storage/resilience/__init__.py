"""What keeps a dead or slow backend from holding everybody up."""
