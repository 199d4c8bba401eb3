namespace PyResolve.Server.Http;

/// <summary>The header <c>Idempotency-Key</c>.</summary>
internal static class IdempotencyKey
{
    private const string Header = "Idempotency-Key";

    public static string? Read(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue(Header, out var values))
            return null;
        return values is [{ } key] && VisibleAscii.IsIdempotencyKey(key)
            ? key
            : throw new ProblemException(Problems.Malformed($"{Header} must be 1 to 255 visible ASCII characters, sent once."));
    }

    /// <summary>Reads the key for routes where it serves as an event's id.</summary>
    public static Guid? ReadUuid(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue(Header, out var values))
            return null;
        return values is [{ } text] && Guid.TryParseExact(text, "D", out var key)
            ? key
            : throw new ProblemException(
                Problems.Malformed($"{Header} must be a UUID here, such as 019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90."));
    }
}
