"""What Hydra finds by itself: the launcher that trains jobs together, and the sweeper that knows studies."""
