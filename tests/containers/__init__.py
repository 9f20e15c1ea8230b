"""What containers would be made of, where no container engine runs: read, merged, carried out."""
