using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Hashes and checks passwords. Hashing is slow on purpose, so it takes turns and its queue is bounded: keys and quotas are served while
/// many log in. Passwords are hashed in Unicode form KC (NIST SP 800-63B, 3.1.1.2), since keyboards and systems spell the same characters
/// differently.
/// </summary>
internal sealed class Passwords
{
    public const int MinLength = 8;
    public const int MaxLength = 256;

    private const int MaxWaiting = 256;
    private const int SaltBytes = 16;
    private const int KeyBytes = 32;

    private static readonly object NoUser = new();

    private readonly PasswordHasher<object> _hasher;
    private readonly string _decoyHash;
    private readonly PasswordQueue _queue;
    private long _comparisons;
    private int _iterations;

    public Passwords(ServerOptions options)
        : this(options, HashingQueue.HalfOfProcessors)
    {
    }

    internal Passwords(ServerOptions options, int turns)
    {
        _iterations = options.PasswordIterations;
        _hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordIterations }));
        _decoyHash = _hasher.HashPassword(NoUser, Guid.CreateVersion7().ToString());
        _queue = new PasswordQueue(turns, MaxWaiting);
    }

    public long Comparisons => Interlocked.Read(ref _comparisons);

    /// <returns>null where too many wait already: <see cref="AccountProblems.Busy"/>.</returns>
    public async Task<PasswordTurn?> TakeTurnAsync(QueueShare share, CancellationToken cancellationToken) =>
        await _queue.EnterAsync(share, cancellationToken) is { } turn ? new PasswordTurn(this, turn) : null;

    /// <summary>
    /// Reads the iterations from a hash of ASP.NET Core Identity: a marker, then the function, the iterations and the salt's length.
    /// </summary>
    private static int IterationsOf(string hash)
    {
        Span<byte> bytes = stackalloc byte[128];
        return Convert.TryFromBase64String(hash, bytes, out var written) && written > 13 && bytes[0] == 1
            ? BinaryPrimitives.ReadInt32BigEndian(bytes[5..9])
            : 0;
    }

    /// <summary>
    /// Checks a password at the cost of the dearest hash seen. A hash of an earlier setting would be checked faster, or slower, than that
    /// of nobody, and show which accounts exist.
    /// </summary>
    private PasswordVerificationResult VerifyAtFullCost(string? hash, string password)
    {
        Interlocked.Increment(ref _comparisons);
        var iterations = IterationsOf(hash ?? _decoyHash);
        var dearest = RaiseTo(iterations);
        var result = _hasher.VerifyHashedPassword(NoUser, hash ?? _decoyHash, password);
        if (iterations < dearest)
        {
            Span<byte> unused = stackalloc byte[KeyBytes];
            Rfc2898DeriveBytes.Pbkdf2(password, new byte[SaltBytes], unused, dearest - iterations, HashAlgorithmName.SHA512);
        }

        return hash is null ? PasswordVerificationResult.Failed : result;
    }

    private int RaiseTo(int iterations)
    {
        for (var known = Volatile.Read(ref _iterations); ; known = Volatile.Read(ref _iterations))
        {
            if (iterations <= known)
                return known;
            Interlocked.CompareExchange(ref _iterations, iterations, known);
        }
    }

    internal sealed class PasswordTurn(Passwords passwords, IDisposable turn) : IDisposable
    {
        public string Hash(string password) => passwords._hasher.HashPassword(NoUser, UnicodeText.ComposeCompatible(password));

        /// <summary>
        /// Checks a password. Without a hash it takes as long as for a wrong password, so that timing does not show which accounts exist. A
        /// password that was set before passwords were normalized is right as it was typed then, and is to be hashed again.
        /// </summary>
        public PasswordVerificationResult Verify(string? hash, string password)
        {
            var normalized = UnicodeText.ComposeCompatible(password);
            var result = passwords.VerifyAtFullCost(hash, normalized);
            if (result is not PasswordVerificationResult.Failed || normalized == password)
                return result;
            return passwords.VerifyAtFullCost(hash, password) is PasswordVerificationResult.Failed
                ? PasswordVerificationResult.Failed
                : PasswordVerificationResult.SuccessRehashNeeded;
        }

        public void Dispose() => turn.Dispose();
    }
}
