namespace PyResolve.Client;

/// <summary>The body of <c>POST /usage</c>, the same at every attempt, and the time of its report by this machine's clock.</summary>
internal sealed record StoredEvent(byte[] Json, DateTimeOffset ReportedAt);
