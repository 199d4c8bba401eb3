namespace PyResolve;

/// <summary>The form of keys and tokens. Compiled into PyResolve.Client, whose copy the server uses, and into PyResolve.Testing.</summary>
internal static class VisibleAscii
{
    private const int MaxKeyLength = 255;

    public static bool Is(string text) => text.Length > 0 && text.All(static character => character is >= '!' and <= '~');

    /// <summary>The form of <c>Idempotency-Key</c> and <c>once_key</c>.</summary>
    public static bool IsIdempotencyKey(string text) => text.Length <= MaxKeyLength && Is(text);
}
