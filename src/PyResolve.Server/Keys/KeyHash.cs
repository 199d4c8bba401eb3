using System.Text.RegularExpressions;
using BCryptNet = BCrypt.Net.BCrypt;

namespace PyResolve.Server.Keys;

/// <summary>
/// Bcrypt hashes, interchangeable with PostgreSQL's <c>crypt(key, gen_salt('bf'))</c>. They have <c>$2a$</c>: pgcrypto misreads
/// <c>$2b$</c>.
/// </summary>
internal static partial class KeyHash
{
    // What gen_salt('bf') takes: 64 rounds, about 4 ms of CPU time.
    private const int Cost = 6;

    public static string Create(string key) => BCryptNet.HashPassword(key, BCryptNet.GenerateSalt(Cost, 'a'));

    /// <summary>
    /// Whether the hash was made of this key. False, without any computation, for a hash that is malformed, costs too much, or is of
    /// <c>$2x$</c>, whose algorithm lets different texts collide.
    /// </summary>
    public static bool Verify(string key, string hash) => ReadableHash().IsMatch(hash) && BCryptNet.Verify(key, hash);

    // The library computes any cost up to 31, which takes days, and throws on malformed hashes; hashes come from a table that SQL may
    // write. Cost 12 is about 0.3 s. The last characters of salt and digest have unused bits, which must be zero.
    [GeneratedRegex(
        @"\A\$2[aby]\$(0[4-9]|1[0-2])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]\z",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReadableHash();
}
