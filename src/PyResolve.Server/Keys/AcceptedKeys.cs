namespace PyResolve.Server.Keys;

/// <summary>
/// The forms of keys that are accepted: those that are made here, and where <c>PyResolve:KeyPrefixes</c> names their prefix, those that an
/// earlier system made.
/// </summary>
internal sealed class AcceptedKeys(IReadOnlyList<string> otherPrefixes)
{
    /// <summary>The length of the longest key that is accepted.</summary>
    public const int MaxLength = 96;

    /// <summary>The fewest characters beyond the prefix: 128 bits.</summary>
    private const int ShortestSecret = 32;

    public bool HasKeyForm(string text)
    {
        if (ApiKeyFormat.HasKeyForm(text))
            return true;
        foreach (var prefix in otherPrefixes)
        {
            if (text.StartsWith(prefix, StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    /// <summary>Whether a text has the form of an accepted key. One prefix may begin with another.</summary>
    public bool IsWellFormed(string text)
    {
        if (ApiKeyFormat.IsWellFormed(text))
            return true;
        foreach (var prefix in otherPrefixes)
        {
            if (text.StartsWith(prefix, StringComparison.Ordinal)
                && text.Length >= prefix.Length + ShortestSecret && text.Length <= MaxLength
                && !text.AsSpan(prefix.Length).ContainsAnyExcept(ApiKeyFormat.LowerHex))
            {
                return true;
            }
        }

        return false;
    }
}
