using System.Security.Cryptography;
using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Devices;

/// <summary>
/// The code that a person compares or types: eight consonants, so that no word comes of it and nothing looks like something else
/// (RFC 8628, 6.1). 34 bits: enough for ten minutes and a handful of tries.
/// </summary>
internal static class UserCode
{
    public const int Length = 8;
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";

    public static string Create() => RandomNumberGenerator.GetString(Letters, Length);

    /// <summary>As it is shown: <c>XXXX-XXXX</c>.</summary>
    public static string Show(string code) => $"{code[..(Length / 2)]}-{code[(Length / 2)..]}";

    /// <summary>Reads what a person typed, in any case, with dashes and spaces anywhere.</summary>
    /// <returns><see langword="null"/> for what cannot be a code.</returns>
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

/// <summary>
/// What is stored of a user code: PBKDF2 under this database's salt, since a plain hash of so short a code is undone in a minute.
/// Bounded: at most half of the processors stretch at a time.
/// </summary>
internal sealed class UserCodeDigests(Database database) : IDisposable
{
    /// <summary>Some 30 ms; all codes take one graphics processor days, and a code lives ten minutes.</summary>
    private const int Iterations = 100_000;

    private const int MostWaiting = 256;

    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));
    private byte[]? _salt;
    private int _waiting;

    public async Task<byte[]> OfAsync(string code, CancellationToken cancellationToken)
    {
        var salt = _salt ??= await database.FirstAsync($"select salt from device_salt", static row => row.BytesOrNull(0)!, cancellationToken)
            ?? throw new InvalidOperationException("The table device_salt has lost its row.");
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new ProblemException(AccountProblems.Busy.Problem);
        }

        try
        {
            await _turns.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return Rfc2898DeriveBytes.Pbkdf2(code, salt, Iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        }
        finally
        {
            _turns.Release();
        }
    }

    public void Dispose() => _turns.Dispose();
}
