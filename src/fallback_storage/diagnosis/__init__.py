"""What is wrong with a combined storage, and what to do: it asks, and changes nothing."""
