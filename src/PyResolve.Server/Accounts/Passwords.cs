using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;

namespace PyResolve.Server.Accounts;

/// <summary>Hashing is slow on purpose, so it takes turns and its queue is bounded: keys and quotas are served while many log in.</summary>
internal sealed class Passwords : IDisposable
{
    public const int MinLength = 8;
    public const int MaxLength = 256;

    private const int MaxWaiting = 256;

    private static readonly object NoUser = new();

    private readonly PasswordHasher<object> _hasher;
    private readonly string _decoyHash;
    private readonly HashingQueue _queue;
    private long _comparisons;

    public Passwords(ServerOptions options)
        : this(options, HashingQueue.HalfOfProcessors)
    {
    }

    internal Passwords(ServerOptions options, int turns)
    {
        _hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = options.PasswordIterations }));
        _decoyHash = _hasher.HashPassword(NoUser, Guid.CreateVersion7().ToString());
        _queue = new HashingQueue(turns, MaxWaiting);
    }

    public long Comparisons => Interlocked.Read(ref _comparisons);

    /// <returns>null where too many wait already: <see cref="AccountProblems.Busy"/>.</returns>
    public async Task<PasswordTurn?> TakeTurnAsync(CancellationToken cancellationToken) =>
        await _queue.EnterAsync(cancellationToken) is { } turn ? new PasswordTurn(this, turn) : null;

    public void Dispose() => _queue.Dispose();

    internal sealed class PasswordTurn(Passwords passwords, IDisposable turn) : IDisposable
    {
        public string Hash(string password) => passwords._hasher.HashPassword(NoUser, password);

        /// <summary>Without a hash it takes as long as for a wrong password, so that timing does not show which accounts exist.</summary>
        public PasswordVerificationResult Verify(string? hash, string password)
        {
            Interlocked.Increment(ref passwords._comparisons);
            var result = passwords._hasher.VerifyHashedPassword(NoUser, hash ?? passwords._decoyHash, password);
            return hash is null ? PasswordVerificationResult.Failed : result;
        }

        public void Dispose() => turn.Dispose();
    }
}

internal static class PasswordRules
{
    public static void Password(this FieldErrors errors, string field, string? value)
    {
        errors.Text(field, value, Passwords.MaxLength, required: true);
        if (value is { Length: < Passwords.MinLength })
            errors.Add(field, $"must have at least {Passwords.MinLength} characters.");
    }
}
