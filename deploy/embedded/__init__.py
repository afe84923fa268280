"""The default stack: a database and a broker that need no container and no system package."""
