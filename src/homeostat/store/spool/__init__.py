"""The durability point: accepted requests, on disk before the answer."""
