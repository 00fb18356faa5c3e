"""What runs beside the service in the demo and in the tests: simulated service, Prometheus, vendors' stand-ins."""
