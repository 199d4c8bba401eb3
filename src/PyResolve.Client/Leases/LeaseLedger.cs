namespace PyResolve.Client;

#pragma warning disable CA1001 // The semaphore has no wait handle: nothing in it needs disposal.

/// <summary>
/// Spends leases exactly, across threads and processes: every change is made under a lock on a file, and on disk before it counts. What a
/// process that died had taken stays taken until the lease ends. Thread-safe.
/// </summary>
internal sealed class LeaseLedger(LeaseFolder folder, LeaseClock clock, TimeProvider time)
{
    /// <summary>How much later than before it has to be for that to be written down.</summary>
    private static readonly TimeSpan SeenStep = TimeSpan.FromMinutes(10);

    /// <summary>A permit that is out for longer after the end is no longer waited for: its process died.</summary>
    private static readonly TimeSpan LongestOvertime = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Takes units for a permit, all or none.</summary>
    /// <returns>What was taken, or what stood in the way.</returns>
    public Task<(LeaseTake? Take, LeaseFault Fault)> TakeAsync(MigrationTier tier, int units, CancellationToken cancellationToken) =>
        InTurnAsync<(LeaseTake?, LeaseFault)>(account => Take(account, tier, units), (null, LeaseFault.None), cancellationToken);

    /// <summary>Ends a permit: so many units are spent, the others are back.</summary>
    public Task SettleAsync(LeaseTake take, int spent) => InTurnAsync(account => Settle(account, take, spent), false, CancellationToken.None);

    /// <summary>What could be taken.</summary>
    public Task<LeaseStanding> LookAsync(MigrationTier tier, CancellationToken cancellationToken) =>
        InTurnAsync(account => Judge(account, tier.ToWire()).Standing, new([], LeaseFault.None), cancellationToken);

    /// <summary>Keeps a lease that has just come from the server.</summary>
    /// <returns>What is wrong with it.</returns>
    public Task<LeaseFault> AddAsync(string token, Guid reservation, CancellationToken cancellationToken) =>
        InTurnAsync(account => Add(account, token, reservation), LeaseFault.Foreign, cancellationToken);

    /// <summary>Closes what has ended, is used up or has been replaced, unless a permit is out on it.</summary>
    /// <param name="isReplaced">Whether a lease that is good, or one that is not (the second argument), is needed no more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The leases to settle with the server.</returns>
    public Task<IReadOnlyList<Guid>> CloseAsync(Func<Lease, bool, bool> isReplaced, CancellationToken cancellationToken) =>
        InTurnAsync<IReadOnlyList<Guid>>(account => Close(account, isReplaced), [], cancellationToken);

    /// <summary>Forgets a lease that the server has settled.</summary>
    public Task RemoveAsync(Guid lease) => InTurnAsync(
        account =>
        {
            File.Delete(folder.LeasePath(account, lease));
            return true;
        },
        false,
        CancellationToken.None);

    private (LeaseTake? Take, LeaseFault Fault) Take(Guid account, MigrationTier tier, int units)
    {
        var (standing, files) = Judge(account, tier.ToWire());
        if (standing.Left < units)
            return (null, standing.Left > 0 ? LeaseFault.UsedUp : standing.Fault);
        var permit = Uuid.NewVersion7(time);
        var parts = new List<LeasePart>();
        foreach (var (lease, left) in standing.Balances)
        {
            if (units == 0)
                break;
            var part = new LeasePart(lease.Id, Math.Min(left, units));
            files[lease.Id].Append(new(LedgerEntry.Taken, permit, part.Units, clock.Latest(files[lease.Id])));
            parts.Add(part);
            units -= part.Units;
        }

        return (new(permit, parts, standing.Balances[0].Lease.ExpiresAt), LeaseFault.None);
    }

    private bool Settle(Guid account, LeaseTake take, int spent)
    {
        foreach (var part in take.Parts)
        {
            var kept = Math.Min(part.Units, spent);
            spent -= kept;
            if (LoadOrNull(folder.LeasePath(account, part.Lease)) is { IsDamaged: false } file)
                file.Append(new(LedgerEntry.Settled, take.Permit, kept, clock.Latest(file)));
        }

        return true;
    }

    private LeaseFault Add(Guid account, string token, Guid reservation)
    {
        if (folder.LoadTrust() is not { } trust)
            return LeaseFault.Foreign;
        // It came over the connection that the keys came over: what it calls its issuer is what the server calls itself.
        var (lease, fault) = LeaseVerifier.Verify(token, trust with { Issuer = null }, folder.Machine);
        if (lease is null)
            return fault;
        if (lease.Id != reservation)
            return LeaseFault.Forged;
        if (lease.Issuer != trust.Issuer)
            folder.Save(trust with { Issuer = lease.Issuer });
        // Asked for once more, because the first answer was lost or this process died over it: what is spent of it stays spent.
        var path = folder.LeasePath(account, lease.Id);
        if (!File.Exists(path))
            LeaseFile.Create(path, token, clock.ServerSkew);
        return LeaseFault.None;
    }

    private List<Guid> Close(Guid account, Func<Lease, bool, bool> isReplaced)
    {
        var closed = new List<Guid>();
        foreach (var path in folder.Leases(account))
        {
            // Whether a key still signs for it does not matter to who gives it back; that it is this machine's does.
            if (LoadOrNull(path) is not { } file || LeaseVerifier.Parse(file.Token) is not { } lease || lease.Machine != folder.Machine || lease.Account != account)
                continue;
            var hasEnded = clock.ServerNow >= lease.ExpiresAt;
            var isGood = Fault(file, lease) == LeaseFault.None;
            var isOut = file.HasPermitsOut || file.IsDamaged;
            var isDone = hasEnded || file.Taken >= lease.Quantity || isReplaced(lease, isGood);
            if (!file.IsClosed && (!isDone || (isOut && clock.ServerNow < lease.ExpiresAt + LongestOvertime)))
                continue;
            if (!file.IsClosed && !file.IsDamaged)
                file.Append(new(LedgerEntry.Closed, Guid.Empty, 0, clock.Latest(file)));
            closed.Add(lease.Id);
        }

        return closed;
    }

    /// <summary>What can be spent, the first to end first, and the files by lease.</summary>
    private (LeaseStanding Standing, Dictionary<Guid, LeaseFile> Files) Judge(Guid account, string tier)
    {
        var balances = new List<LeaseBalance>();
        var files = new Dictionary<Guid, LeaseFile>();
        var worst = LeaseFault.None;
        if (folder.LoadTrust() is not { } trust)
            return (new(balances, worst), files);
        foreach (var path in folder.Leases(account))
        {
            var file = LoadOrNull(path);
            if (file is { IsClosed: true })
                continue;
            var (lease, fault) = file is null ? new(null, LeaseFault.Damaged) : LeaseVerifier.Verify(file.Token, trust, folder.Machine);
            if (lease is not null && (lease.Tier != tier || path != folder.LeasePath(account, lease.Id)))
                continue;
            if (lease is not null)
            {
                fault = Fault(file!, lease);
                Remember(file!, lease);
            }

            if (fault == LeaseFault.None)
            {
                balances.Add(new(lease!, lease!.Quantity - file!.Taken));
                files.Add(lease.Id, file);
            }

            worst = fault > worst ? fault : worst;
        }

        return (new([.. balances.OrderBy(static balance => balance.Lease.ExpiresAt)], worst), files);
    }

    /// <summary>What is wrong with a lease that is this machine's.</summary>
    private LeaseFault Fault(LeaseFile file, Lease lease)
    {
        var latest = clock.Latest(file);
        var shown = clock.Shown(file) + LeaseClock.Tolerance;
        return file.IsDamaged ? LeaseFault.Damaged
            : shown < latest || shown < lease.IssuedAt ? LeaseFault.ClockSetBack
            : latest >= lease.ExpiresAt ? LeaseFault.Expired
            : file.Taken >= lease.Quantity ? LeaseFault.UsedUp
            : LeaseFault.None;
    }

    /// <summary>Writes down what time it is, so that it cannot become earlier.</summary>
    private void Remember(LeaseFile file, Lease lease)
    {
        var latest = clock.Latest(file);
        var hasJustEnded = latest >= lease.ExpiresAt && file.LastSeen < lease.ExpiresAt;
        if (!file.IsDamaged && (hasJustEnded || latest >= file.LastSeen + SeenStep))
            file.Append(new(LedgerEntry.Seen, Guid.Empty, 0, latest));
    }

    private static LeaseFile? LoadOrNull(string path)
    {
        try
        {
            return LeaseFile.Load(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private async Task<T> InTurnAsync<T>(Func<Guid, T> act, T withoutAccount, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(
                () =>
                {
                    if (!folder.Exists || folder.LoadTrust() is not { } trust)
                        return withoutAccount;
                    using (folder.LockLedger(trust.Account))
                        return act(trust.Account);
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }
}
