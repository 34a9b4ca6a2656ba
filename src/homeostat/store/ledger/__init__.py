"""What must be transactional: projects, keys, segments, outcomes, marks, audit."""
