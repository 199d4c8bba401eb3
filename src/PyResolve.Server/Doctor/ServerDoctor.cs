using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Doctor;

internal static class DoctorServices
{
    public static IServiceCollection AddDoctor(this IServiceCollection services) => services
        .AddSingleton<SettingsCheck>()
        .AddSingleton<FolderCheck>()
        .AddSingleton<StoreCheck>()
        .AddSingleton<ProxyProbe>()
        .AddSingleton<ProxyCheck>()
        .AddSingleton<ReachCheck>()
        .AddSingleton<EmailCheck>()
        .AddSingleton<ServerDoctor>();
}

/// <summary>
/// Looks at everything that a server needs, one after the other. The store is opened only after its folder was looked at, because opening
/// it corrects some rights.
/// </summary>
internal sealed class ServerDoctor(
    IServiceProvider services, SettingsCheck settings, FolderCheck folder, ReachCheck reach, EmailCheck email, BillingOptions billing)
{
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellationToken)
    {
        List<Finding> findings = [.. settings.Run(), .. folder.Run()];
        var isUsable = await CheckStoreAsync(findings, cancellationToken);
        findings.AddRange(await reach.RunAsync(cancellationToken));
        findings.Add(await email.RunAsync(cancellationToken));
        if (isUsable)
        {
            var (database, time) = (services.GetRequiredService<Database>(), services.GetRequiredService<TimeProvider>());
            if (await EmailCheck.FindLateAsync(database, time, cancellationToken) is { } late)
                findings.Add(late);
        }

        findings.AddRange(await CheckStripeAsync(isUsable, cancellationToken));
        return findings;
    }

    private async Task<bool> CheckStoreAsync(List<Finding> findings, CancellationToken cancellationToken)
    {
        if (!folder.CanBeOpened)
            return false;
        var (isUsable, found) = await services.GetRequiredService<StoreCheck>().RunAsync(cancellationToken);
        findings.AddRange(found);
        return isUsable;
    }

    private async Task<IReadOnlyList<Finding>> CheckStripeAsync(bool isUsable, CancellationToken cancellationToken)
    {
        const string About = "Stripe";
        if (!billing.IsConfigured)
        {
            return
                [new(About, HealthState.Look, "STRIPE_SECRET_KEY is not set: nothing is sold.", "docs/stripe.md says how to sell plans.")];
        }

        if (!isUsable)
            return [new(About, HealthState.Look, "It is checked when the store can be used.", "Fix the store first.")];
        var findings = new List<Finding>();
        await foreach (var (isProblem, text) in services.GetRequiredService<StripeDoctor>().ExamineAsync(cancellationToken))
            findings.Add(new(About, isProblem ? HealthState.Bad : HealthState.Good, text));
        return findings;
    }
}
