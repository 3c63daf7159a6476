"""Ratings outside studies: saved, scored and exported."""
