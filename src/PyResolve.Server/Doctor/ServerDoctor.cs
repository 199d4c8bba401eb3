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
        var findings = new List<Finding>();
        var isUsable = false;
        await TryAsync("Settings", () => Task.FromResult(settings.Run()));
        await TryAsync("Folder", () => Task.FromResult(folder.Run()));
        await TryAsync("Store", CheckStoreAsync);
        await TryAsync("Address", () => reach.RunAsync(cancellationToken));
        await TryAsync("Email", CheckEmailAsync);
        await TryAsync("Stripe", () => CheckStripeAsync(isUsable, cancellationToken));
        return findings;

        async Task TryAsync(string about, Func<Task<IReadOnlyList<Finding>>> check)
        {
            try
            {
                findings.AddRange(await check());
            }
            // The command says what is wrong with a setting.
            catch (Exception exception) when (exception is not (InvalidConfigurationException or FormatException)
                && !cancellationToken.IsCancellationRequested)
            {
                findings.Add(new(
                    about, HealthState.Bad, $"This could not be checked to its end: {exception.Message}",
                    "Correct what it names, then run doctor again."));
            }
        }

        async Task<IReadOnlyList<Finding>> CheckStoreAsync()
        {
            if (!folder.CanBeOpened)
                return [];
            (isUsable, var found) = await services.GetRequiredService<StoreCheck>().RunAsync(cancellationToken);
            return found;
        }

        async Task<IReadOnlyList<Finding>> CheckEmailAsync()
        {
            List<Finding> found = [await email.RunAsync(cancellationToken)];
            if (!isUsable)
                return found;
            var (database, time) = (services.GetRequiredService<Database>(), services.GetRequiredService<TimeProvider>());
            if (await EmailCheck.FindLateAsync(database, time, cancellationToken) is { } late)
                found.Add(late);
            return found;
        }
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
