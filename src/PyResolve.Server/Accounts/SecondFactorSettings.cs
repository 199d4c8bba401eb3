using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Sets up the second factor of an account that has a password, and turns it off.</summary>
internal sealed class SecondFactorSettings(
    Database database, PasswordProof proof, SecondFactors factors, Credentials credentials, Throttle throttle, AuditLog audit,
    ProductOptions product)
{
    private static readonly ProblemResult IsOn = new(Problems.Conflict(
        "This account has a second factor already. Turn it off first, with one of its codes."));

    private static readonly ProblemResult IsOff = new(Problems.Conflict("This account has no second factor."));

    private static readonly ProblemResult WrongCode = new(Problems.Invalid("code", ProblemTexts.CodeUnknown))
    {
        SecurityEvent = SecurityEvents.LoginFailed,
    };

    public Task<Outcome<TotpSetup>> BeginAsync(Caller caller, CancellationToken cancellationToken) => database.WriteAsync(
        async session => await StoredPasswords.ExistsAsync(session, caller.UserId, cancellationToken)
            ? await BeginAsync(session, caller, cancellationToken)
            : AccountProblems.NoPassword,
        cancellationToken);

    /// <summary>Begins the set-up for a page, which asks for the password.</summary>
    public async Task<Outcome<TotpSetup>> BeginAsync(
        Caller caller, string password, Origin origin, CancellationToken cancellationToken)
    {
        Outcome<TotpSetup> outcome = default;
        var problem = await proof.TryAsync(
            caller.UserId,
            password,
            origin,
            prepare: static _ => true,
            async (session, _) => outcome = await BeginAsync(session, caller, cancellationToken),
            cancellationToken);
        return problem ?? outcome;
    }

    /// <summary>Turns the second factor on. Sessions that were opened without it end, except the caller's own.</summary>
    public async Task<Outcome<TotpConfirmed>> ConfirmAsync(
        Caller caller, string code, Origin origin, CancellationToken cancellationToken)
    {
        var attempt = await throttle.RecordAsync(throttle.Rules.Code(caller.UserId), cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return TooMany(wait);
        return await database.WriteAsync<Outcome<TotpConfirmed>>(
            async session =>
            {
                if (await factors.ConfirmAsync(session, caller.UserId, code, cancellationToken) is not { } codes)
                    return await SecondFactors.IsOnAsync(session, caller.UserId, cancellationToken) ? IsOn : WrongCode;
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                await credentials.EndSessionsAsync(session, caller.UserId, except: caller.SessionId, cancellationToken);
                await audit.WriteAsync(session, caller.UserId, origin, AuditActions.SecondFactorOn, target: null, cancellationToken);
                return new TotpConfirmed(codes);
            },
            cancellationToken);
    }

    public async Task<ProblemResult?> RemoveAsync(Caller caller, string code, Origin origin, CancellationToken cancellationToken)
    {
        var attempt = await throttle.RecordAsync(throttle.Rules.Code(caller.UserId), cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return TooMany(wait);
        return await database.WriteAsync(
            session => RemoveAsync(session, caller.UserId, code, attempt, origin, cancellationToken), cancellationToken);
    }

    /// <summary>Turns the second factor off for a page, which asks for the password too.</summary>
    public async Task<ProblemResult?> RemoveAsync(
        Caller caller, string password, string code, Origin origin, CancellationToken cancellationToken)
    {
        var attempt = await throttle.RecordAsync(throttle.Rules.Code(caller.UserId), cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return TooMany(wait);
        ProblemResult? refused = null;
        var problem = await proof.TryAsync(
            caller.UserId,
            password,
            origin,
            prepare: static _ => true,
            async (session, _) => refused = await RemoveAsync(session, caller.UserId, code, attempt, origin, cancellationToken),
            cancellationToken);
        return problem ?? refused;
    }

    private async Task<Outcome<TotpSetup>> BeginAsync(Session session, Caller caller, CancellationToken cancellationToken) =>
        await factors.BeginAsync(session, caller.UserId, cancellationToken) is { } secret
            ? TotpCode.SetupOf(secret, caller.Email, product.Name)
            : IsOn;

    private async Task<ProblemResult?> RemoveAsync(
        Session session, Guid userId, string code, ThrottledAttempt attempt, Origin origin, CancellationToken cancellationToken)
    {
        if (!await SecondFactors.IsOnAsync(session, userId, cancellationToken))
            return IsOff;
        if (!await factors.UseAsync(session, userId, code, origin, cancellationToken))
            return WrongCode;
        await SecondFactors.RemoveAsync(session, userId, cancellationToken);
        await Throttle.WithdrawAsync(session, attempt, cancellationToken);
        await audit.WriteAsync(session, userId, origin, AuditActions.SecondFactorOff, target: null, cancellationToken);
        return null;
    }

    private static ProblemResult TooMany(TimeSpan wait) => AccountProblems.TooMany("wrong codes", wait);
}
