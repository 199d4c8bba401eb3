namespace Tour;

/// <summary>A step did not go as told.</summary>
internal sealed class TourException(string message) : Exception(message);
