"""What settings and ``OPTIONS`` may say, and what a mistake in them is told."""
