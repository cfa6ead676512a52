"""Where attention comes from: strips of query rows, handed on and dropped."""
