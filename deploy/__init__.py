"""How the platform is run: settings, wiring, the embedded stack, the demonstration."""
