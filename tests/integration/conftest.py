"""What integration tests share; the store is in the conftest of all tests."""
