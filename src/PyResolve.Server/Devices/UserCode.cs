using System.Security.Cryptography;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

/// <summary>
/// The code that a person types: eight consonants, which make no words and do not look alike (RFC 8628, 6.1). 34 bits: enough for ten
/// minutes and few tries.
/// </summary>
internal static class UserCode
{
    public const int Length = 8;
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";

    public static string Create() => RandomNumberGenerator.GetString(Letters, Length);

    public static string Show(string code) => $"{code[..(Length / 2)]}-{code[(Length / 2)..]}";

    /// <summary>Reads a code in any case, with dashes and spaces anywhere. null where it cannot be a code.</summary>
    public static string? Parse(string text)
    {
        Span<char> code = stackalloc char[Length];
        var length = 0;
        foreach (var character in text)
        {
            if (char.IsWhiteSpace(character) || char.GetUnicodeCategory(character) is System.Globalization.UnicodeCategory.DashPunctuation)
                continue;
            var letter = char.ToUpperInvariant(character);
            if (length == Length || !Letters.Contains(letter, StringComparison.Ordinal))
                return null;
            code[length++] = letter;
        }

        return length == Length ? new string(code) : null;
    }
}

/// <summary>Digests of user codes: PBKDF2 with this database's salt, since a plain hash of so short a code is broken in a minute.</summary>
internal sealed class UserCodeDigests(Database database) : IDisposable
{
    /// <summary>
    /// The iterations, which take about 30 ms. To try all codes takes a graphics processor days, and a code is valid for ten minutes.
    /// </summary>
    private const int Iterations = 100_000;

    private const int MaxWaiting = 256;

    private readonly HashingQueue _queue = new(MaxWaiting);
    private byte[]? _salt;

    public async Task<byte[]> OfAsync(string code, CancellationToken cancellationToken)
    {
        var salt = _salt ??=
            await database.FirstAsync($"select salt from device_salt", static row => row.BytesOrNull(0)!, cancellationToken)
            ?? throw new InvalidOperationException("The table device_salt has lost its row.");
        using var turn = await _queue.EnterAsync(cancellationToken) ?? throw new ProblemException(AccountProblems.Busy.Problem);
        return Rfc2898DeriveBytes.Pbkdf2(code, salt, Iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
    }

    public void Dispose() => _queue.Dispose();
}
