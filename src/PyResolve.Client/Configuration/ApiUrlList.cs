namespace PyResolve.Client;

/// <summary>The addresses of one service as text: separated by commas, with or without spaces.</summary>
internal static class ApiUrlList
{
    private const char Separator = ',';

    /// <returns>The addresses as they are written; none for a text without any.</returns>
    public static IReadOnlyList<string> Split(string text) =>
        [.. text.Split(Separator).Select(static one => one.Trim()).Where(static one => one.Length > 0)];

    /// <returns><see langword="null"/> unless each is an absolute http or https URL, and there is one.</returns>
    public static IReadOnlyList<Uri>? Parse(string text)
    {
        var urls = new List<Uri>();
        foreach (var one in Split(text))
        {
            if (!Uri.TryCreate(one, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                return null;
            urls.Add(url);
        }

        return urls.Count == 0 ? null : urls;
    }

    public static string Join(IEnumerable<Uri> urls) => string.Join(",", urls.Select(static url => url.OriginalString));

    /// <summary>What a message calls one of several addresses: its place.</summary>
    public static string Name(string setting, int index, int count) =>
        count == 1 ? setting : $"{setting}, address {index + 1} of {count},";
}
