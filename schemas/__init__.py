"""The contract: what comes into Rantai and what goes out, as types that validate."""
