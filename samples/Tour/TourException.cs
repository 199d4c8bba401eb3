namespace Tour;

/// <summary>A step did not have the expected result.</summary>
internal sealed class TourException(string message) : Exception(message);
