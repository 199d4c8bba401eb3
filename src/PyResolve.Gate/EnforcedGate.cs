using PyResolve.Client;
using PyResolve.Gate.Migrators;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>Takes a permit for each migration, all of them or none, and charges them: at once, or each when its migrator has succeeded.
/// </summary>
internal sealed class EnforcedGate(PyResolveClient client, GateRequest request, BuildIdentity identity, GateOutput output)
{
    /// <summary>How long a reservation outlives a worker that is killed. While a migrator runs, the permit renews it.</summary>
    private static readonly TimeSpan ReservationLifetime = TimeSpan.FromSeconds(90);

    /// <summary>Whether secrets are missing because they have to be.</summary>
    private readonly bool _isForkWithoutKey = identity.IsFork && client.Keys.FindApiKey() is null;

    /// <summary>Whether the server has granted every permit, so that it is worth sending it more.</summary>
    public bool IsAnswered { get; private set; }

    public async Task<bool> PassAsync(CancellationToken stop)
    {
        var works = new List<GateWork>();
        foreach (var migration in request.Migrations)
            works.Add(new GateWork(_isForkWithoutKey ? migration with { Tier = "tier1" } : migration, migration.ParsedTier));
        if (!FindMigrators(works))
            return false;
        if (_isForkWithoutKey)
        {
            output.Report(
                GateDiagnostics.ForkWithoutKey,
                "This pull request comes from a fork, which gets no secrets: it runs as tier1, and nothing is charged.");
        }
        else if (identity.Commit is null || identity.Repository is null)
        {
            output.Report(
                GateDiagnostics.UnknownCommit,
                "There is no git commit here, or no remote named origin. "
                    + "Set PyResolveRepository and PyResolveCommit, so that a retry is free.");
        }

        try
        {
            await Task.WhenAll(works.Select(AcquireAsync));
            IsAnswered = works.TrueForAll(static work => work.Permit is { IsGranted: true, IsOffline: false });
            if (output.HasErrors || stop.IsCancellationRequested)
                return false;
            if (request.IsRun)
                await RunMigratorsAsync(works, stop);
            else
                await Task.WhenAll(works.Select(work => CompleteAsync(work, new MigrationOutcome())));
            return !output.HasErrors && !stop.IsCancellationRequested;
        }
        finally
        {
            // What was not completed is given back.
            await Task.WhenAll(works.Select(static work => work.Permit?.DisposeAsync().AsTask() ?? Task.CompletedTask));
        }
    }

    /// <summary>Before anything is reserved: a command that cannot run costs nothing.</summary>
    private bool FindMigrators(List<GateWork> works)
    {
        if (!request.IsRun)
            return true;
        foreach (var work in works)
        {
            try
            {
                work.Migrator = MigratorCommand.Find(request, work.Migration, client.Keys);
                if (_isForkWithoutKey && work.WantedTier != MigrationTier.Tier1 && !work.Migrator.UsesTier)
                    work.Migrator = null;
            }
            catch (FormatException e)
            {
                output.Report(GateDiagnostics.InvalidSettings, e.Message);
            }
        }
        return !output.HasErrors;
    }

    /// <summary>Not cancelled: an answer that is not waited for would leave a reservation. It takes half of the time limit at most.
    /// </summary>
    private async Task AcquireAsync(GateWork work)
    {
        var migration = work.Migration;
        var wanted = new MigrationRequest(migration.NormalizedLibrary, migration.ParsedTier)
        {
            TimeToLive = ReservationLifetime,
            KeepAlive = request.IsRun,
            OnceKey = identity.CreateOnceKey(migration),
        };
        try
        {
            var permit = await client.Quota.AcquireAsync(wanted);
            work.Permit = permit;
            if (permit.Denial is { } denial)
                Report(Reasons.Of(denial, migration));
            else if (permit.IsOffline)
                output.Report(GateDiagnostics.OfflineGranted, $"{migration} is granted without the server, and reported when it is back.");
        }
        catch (PyResolveException e) when (Reasons.IsOverloaded(e) && request.FindPolicy() == OfflinePolicy.Allow)
        {
            output.Report(
                GateDiagnostics.OfflineGranted,
                $"{migration} is granted although the server has no answer now, and reported later. {Reasons.OneLine(e.Message)}");
        }
        catch (PyResolveException e)
        {
            Report(Reasons.Of(e));
        }
    }

    private async Task RunMigratorsAsync(List<GateWork> works, CancellationToken stop)
    {
        foreach (var work in works)
        {
            if (work.Migrator is null)
            {
                output.Message($"PyResolve: {work.Migration.Library} is left alone: its migrator is for more than tier1.");
                continue;
            }
            var run = new MigratorRun(work.Migrator, work.Migration, request.ProjectFolder, output);
            try
            {
                var outcome = await run.RunAsync(stop);
                if (outcome is null)
                    return;
                if (outcome.FilesChanged > 0)
                    await CompleteAsync(work, outcome);
                else
                    output.Message($"PyResolve: nothing to change for {work.Migration}, and nothing charged.");
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task CompleteAsync(GateWork work, MigrationOutcome outcome)
    {
        if (work.Permit is not { } permit)
        {
            KeepForLater(work, outcome);
            return;
        }
        if (permit.IsSettled)
        {
            output.Message($"PyResolve: {work.Migration} was charged for this commit before, and is free now.");
            return;
        }
        try
        {
            await permit.CompleteAsync(outcome, CancellationToken.None);
        }
        catch (PyResolveException e)
        {
            ReportUnrecorded(work, e);
            return;
        }
        if (permit.ReservationId is null && !permit.IsOffline)
            output.Message($"PyResolve: {work.Migration} is not metered without an API key.");
        else if (permit.Quota is { } quota && !permit.IsOffline)
            output.Message($"PyResolve: {work.Migration} is charged: {QuotaSentence.Of(quota)}.");
    }

    private void ReportUnrecorded(GateWork work, PyResolveException failure)
    {
        var reason = Reasons.OneLine(failure.Message);
        var isAway = Reasons.IsOutOfReach(failure) || Reasons.IsOverloaded(failure);
        if (isAway && request.FindPolicy() == OfflinePolicy.Allow)
            output.Report(GateDiagnostics.OfflineGranted, $"{work.Migration} was granted, and could not be recorded: {reason}");
        else
            output.Report(GateDiagnostics.NotRecorded, $"{work.Migration}: {reason} Build again: it is charged once.");
    }

    /// <summary>The server had no answer, and the policy allows the work.</summary>
    private void KeepForLater(GateWork work, MigrationOutcome outcome)
    {
        var kept = client.Usage.Report(new UsageEvent("migration")
        {
            Library = work.Migration.NormalizedLibrary,
            Tier = work.Migration.ParsedTier,
            FilesChanged = outcome.FilesChanged,
            TokensUsed = outcome.TokensUsed,
        });
        if (!kept.IsAccepted)
            output.Report(GateDiagnostics.NotRecorded, $"{work.Migration}: {kept.Reason}");
    }

    private void Report(GateFinding finding) => output.Report(finding.Diagnostic, finding.Text);
}

/// <summary>A migration on its way through the gate.</summary>
internal sealed class GateWork(GateMigration migration, MigrationTier wantedTier)
{
    public GateMigration Migration => migration;

    /// <summary>What the project asks for, also where it gets only tier1.</summary>
    public MigrationTier WantedTier => wantedTier;

    public MigratorCommand? Migrator { get; set; }

    /// <summary><see langword="null"/> when the server had no answer.</summary>
    public QuotaPermit? Permit { get; set; }
}
