using System.Diagnostics;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The Stripe simulator, installed from its package as a .NET tool.</summary>
[Collection(nameof(PackedSdk))]
public sealed class SimulatorToolTests(PackedSdk sdk)
{
    private static readonly string[] Settings =
        ["STRIPE_PRICE_PRO", "STRIPE_PRICE_UNLIMITED", "STRIPE_PORTAL_CONFIGURATION", "STRIPE_WEBHOOK_SECRET"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_installed_tool_prints_the_settings_of_a_server_and_stripe_setup_works_against_it()
    {
        var folder = sdk.NewFolder();
        (await folder.DotNetAsync("tool", "install", "PyResolve.StripeSimulator", "--version", sdk.Version, "--tool-path", "tools")).OrThrow("dotnet tool install");

        using var simulator = folder.Start("tools/pyresolve-stripe-simulator", "--port", "0");
        try
        {
            var printed = await SettingsAsync(simulator);
            var settings = new Dictionary<string, string?>(printed)
            {
                ["PYRESOLVE_DATA"] = folder.PathOf("data"),
                ["PYRESOLVE_PUBLIC_URL"] = "http://localhost:8000",
            };
            var setup = await ServerProcess.RunAsync(["stripe", "setup"], settings, Cancellation);

            printed.Keys.ShouldBe(["STRIPE_API_BASE", "STRIPE_SECRET_KEY"]);
            setup.OrThrow("stripe setup").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=')[0]).ShouldBe(Settings);
        }
        finally
        {
            simulator.Kill(entireProcessTree: true);
        }
    }

    private static async Task<Dictionary<string, string?>> SettingsAsync(Process simulator)
    {
        var settings = new Dictionary<string, string?>();
        while (settings.Count < 2)
        {
            var line = await simulator.StandardOutput.ReadLineAsync(Cancellation)
                ?? throw new InvalidOperationException($"The simulator ended: {await simulator.StandardError.ReadToEndAsync(Cancellation)}");
            if (line.StartsWith("  STRIPE_", StringComparison.Ordinal) && line.Trim().Split('=') is [var name, var value])
                settings[name] = value;
        }

        return settings;
    }
}
