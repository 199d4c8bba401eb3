using System.Buffers;

namespace PyResolve.Server.Http;

/// <summary>The header <c>Idempotency-Key</c>, and the form that <c>once_key</c> shares with it.</summary>
internal static class IdempotencyKey
{
    public const string Form = ProblemTexts.IdempotencyKeyMalformed;

    private const string Header = "Idempotency-Key";
    private const int MaxLength = 255;

    private static readonly SearchValues<char> VisibleAscii =
        SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(code => (char)code)]);

    public static bool IsValid(string key) => key.Length is > 0 and <= MaxLength && !key.AsSpan().ContainsAnyExcept(VisibleAscii);

    public static string? Read(HttpContext http)
    {
        if (!http.Request.Headers.TryGetValue(Header, out var values))
            return null;
        return values is [{ } key] && IsValid(key)
            ? key
            : throw new ProblemException(Problems.Malformed($"{Header} must be 1 to {MaxLength} visible ASCII characters, sent once."));
    }

    /// <summary>For routes where the key serves as an event's id.</summary>
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
