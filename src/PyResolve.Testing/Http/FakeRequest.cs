using System.Text;

namespace PyResolve.Testing;

/// <summary>A request that reached <see cref="FakePyResolveServer"/>.</summary>
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

    /// <summary>In upper case, such as <c>POST</c>.</summary>
    public string Method { get; }

    /// <summary>The path, such as <c>/usage/batch</c>.</summary>
    public string Path { get; }

    /// <summary>The query with its question mark; empty without a query.</summary>
    public string Query { get; }

    /// <summary>The body as text; empty without a body.</summary>
    public string Body => Encoding.UTF8.GetString(Content);

    internal byte[] Content { get; }

    /// <summary>The value of a header, several values joined by commas.</summary>
    /// <param name="name">In any case.</param>
    /// <returns><see langword="null"/> if the header was not sent.</returns>
    public string? Header(string name) => _headers.TryGetValue(name, out var value) ? value : null;

    /// <summary>Method and path, without secrets, for logs.</summary>
    public override string ToString() => $"{Method} {Path}";
}
