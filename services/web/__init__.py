"""The pages for suppliers, buyers and the programme, rendered on the server without scripts."""
