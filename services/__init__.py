"""The core: what the product does, free of Flask, boto3, SQLAlchemy and of the environment."""
