using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PyResolve.Server.Tests.Storage;

/// <summary>Everything in the database, searched for secrets in every form from which they can be recovered.</summary>
internal sealed class DatabaseDump
{
    private readonly byte[] _bytes;

    private DatabaseDump(byte[] bytes) => _bytes = bytes;

    /// <summary>SQLite: its files, byte for byte, so what was deleted too. PostgreSQL: every row of every table.</summary>
    public static async Task<DatabaseDump> OfAsync(TestStore store) =>
        new(store.Engine is StorageEngine.Sqlite ? await ReadFilesAsync(store) : Encoding.UTF8.GetBytes(await ReadTablesAsync(store)));

    /// <summary>The form in which the secret is there, or <see langword="null"/>.</summary>
    public string? Find(string secret) => Forms(secret).Where(form => Contains(form.Bytes)).Select(form => form.Name).FirstOrDefault();

    /// <summary>As <see cref="Find"/>, for a secret that people choose, which a plain digest does not protect.</summary>
    public string? FindGuessable(string secret) =>
        Find(secret) ?? Digests(secret).Where(form => Contains(form.Bytes)).Select(form => form.Name).FirstOrDefault();

    /// <summary>As <see cref="FindGuessable"/>, for a short code: parts of it would be found by chance.</summary>
    public string? FindCode(string code)
    {
        var text = Encoding.UTF8.GetBytes(code);
        (string Name, byte[] Bytes)[] whole =
        [
            ("plain", text), ("UTF-16", Encoding.Unicode.GetBytes(code)), ("reversed", [.. Enumerable.Reverse(text)]),
            ("base64", Encoding.ASCII.GetBytes(Convert.ToBase64String(text).TrimEnd('='))),
            ("hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(text))), ("HEX", Encoding.ASCII.GetBytes(Convert.ToHexString(text))),
        ];
        return whole.Concat(Digests(code)).Where(form => Contains(form.Bytes)).Select(form => form.Name).FirstOrDefault();
    }

    public bool Contains(string text) => Contains(Encoding.UTF8.GetBytes(text));

    public static IEnumerable<(string Name, byte[] Bytes)> Forms(string secret)
    {
        var text = Encoding.UTF8.GetBytes(secret);
        yield return ("plain", text);
        yield return ("UTF-16", Encoding.Unicode.GetBytes(secret));
        yield return ("reversed", [.. Enumerable.Reverse(text)]);
        foreach (var form in Encodings("", text))
            yield return form;

        // The part after the prefix that lists show, and the random bytes themselves.
        var random = secret[(secret.LastIndexOf('_') + 1)..];
        if (secret.StartsWith("pyr_", StringComparison.Ordinal))
        {
            yield return ("the part that is never shown", Encoding.UTF8.GetBytes(secret[20..]));
            foreach (var form in Encodings("bytes in ", Convert.FromHexString(random)))
                yield return form;
            yield return ("bytes", Convert.FromHexString(random));
        }
        else if (secret.Length == 43 && Base64Url.IsValid(secret))
        {
            yield return ("bytes", Base64Url.DecodeFromChars(secret));
            foreach (var form in Encodings("bytes in ", Base64Url.DecodeFromChars(secret)))
                yield return form;
        }
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Encodings(string prefix, byte[] bytes)
    {
        yield return (prefix + "hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(bytes)));
        yield return (prefix + "HEX", Encoding.ASCII.GetBytes(Convert.ToHexString(bytes)));
        for (var offset = 0; offset < 3; offset++)
        {
            // Inside a longer text, only the complete groups in the middle do not depend on what surrounds it.
            var shifted = Convert.ToBase64String([.. new byte[offset], .. bytes]);
            var middle = shifted[4..(shifted.Length - 4)];
            yield return ($"{prefix}base64 at {offset}", Encoding.ASCII.GetBytes(middle));
            yield return ($"{prefix}base64url at {offset}", Encoding.ASCII.GetBytes(middle.Replace('+', '-').Replace('/', '_')));
        }
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Digests(string secret)
    {
        var text = Encoding.UTF8.GetBytes(secret);
#pragma warning disable CA5350, CA5351 // Looked for, not used.
        (string Name, byte[] Bytes)[] digests =
            [("SHA-256", SHA256.HashData(text)), ("SHA-1", SHA1.HashData(text)), ("MD5", MD5.HashData(text))];
#pragma warning restore CA5350, CA5351
        return digests.SelectMany(digest => Encodings(digest.Name + " in ", digest.Bytes).Prepend(digest));
    }

    private bool Contains(byte[] form) => _bytes.AsSpan().IndexOf(form) >= 0;

    private static async Task<byte[]> ReadFilesAsync(TestStore store)
    {
        using var all = new MemoryStream();
        foreach (var file in Directory.GetFiles(store.Settings["PYRESOLVE_DATA"]!))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            await stream.CopyToAsync(all);
        }

        return all.ToArray();
    }

    private static async Task<string> ReadTablesAsync(TestStore store)
    {
        var names = (string)(await store.ReadSqlAsync("select string_agg(tablename, ',') from pg_tables where schemaname = 'public'"))!;
        var all = new StringBuilder();
        foreach (var name in names.Split(','))
            all.AppendLine(await store.ReadSqlAsync($"select string_agg(t::text, E'\\n') from \"{name}\" t") as string);
        return all.ToString();
    }
}
