"""Shapes of requests and answers (pydantic), named as the routes are."""
