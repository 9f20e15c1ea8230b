"""What a supplier and its buyer send from their pages: forms, and the events they become."""
