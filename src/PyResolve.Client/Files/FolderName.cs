using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Client;

internal static class FolderName
{
    /// <summary>The server's host, and a digest of server and owner (API key or account id), so that the name reveals no owner.</summary>
    public static string Of(Uri apiUrl, string owner) =>
        $"{apiUrl.IdnHost.Replace(':', '_')}-{Digest($"{apiUrl.AbsoluteUri.TrimEnd('/')}\n{owner}", 8)}";

    public static string Digest(string text, int bytes)
    {
#if NETSTANDARD2_0
        using var sha256 = SHA256.Create();
        var digest = sha256.ComputeHash(Encoding.UTF8.GetBytes(text));
#else
        var digest = SHA256.HashData(Encoding.UTF8.GetBytes(text));
#endif
        return string.Concat(digest.Take(bytes).Select(static value => value.ToString("x2")));
    }
}
