"""The appliance: from detections to released aggregates. No pixels, ever."""
