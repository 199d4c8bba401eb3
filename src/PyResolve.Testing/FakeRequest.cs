using System.Text;

namespace PyResolve.Testing;

/// <summary>A request that reached <see cref="FakePyResolveServer"/>, whatever became of it.</summary>
public sealed class FakeRequest
{
    private readonly IReadOnlyDictionary<string, string> _headers;

    internal FakeRequest(string method, string path, string query, IReadOnlyDictionary<string, string> headers, byte[] content)
    {
        Method = method;
        Path = path;
        Query = query;
        _headers = headers;
        Content = content;
    }

    /// <summary>In capitals, as <c>POST</c>.</summary>
    public string Method { get; }

    /// <summary>Such as <c>/usage/batch</c>.</summary>
    public string Path { get; }

    /// <summary>With its question mark; empty where there is none.</summary>
    public string Query { get; }

    /// <summary>The body as text; empty where there is none.</summary>
    public string Body => Encoding.UTF8.GetString(Content);

    internal byte[] Content { get; }

    /// <summary>A header's value, several joined by commas; <see langword="null"/> where it was not sent.</summary>
    public string? Header(string name) => _headers.TryGetValue(name, out var value) ? value : null;

    /// <summary>The route alone, so that a key never reaches a log.</summary>
    public override string ToString() => $"{Method} {Path}";
}
