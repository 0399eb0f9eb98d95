"""What has nothing to do with training: words, files, the console, memory, random numbers."""
