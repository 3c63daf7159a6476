"""Where ratings are kept: the schema, the engine, the order of writers, files handed over."""
