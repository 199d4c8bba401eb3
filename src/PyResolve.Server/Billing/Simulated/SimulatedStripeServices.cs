namespace PyResolve.Server.Billing.Simulated;

internal static class SimulatedStripeServices
{
    /// <summary>Adds a simulator in Development without Stripe settings. To be disposed of when the server has stopped.</summary>
    public static async Task<SimulatedStripe?> AddSimulatedStripeAsync(this WebApplicationBuilder builder)
    {
        if (!SimulatedStripe.IsWanted(builder.Configuration, builder.Environment))
            return null;
        var stripe = await SimulatedStripe.StartAsync(builder, CancellationToken.None);
        if (stripe is not null)
            builder.Services.AddSingleton(stripe);
        builder.Services.AddHostedService<SimulatedStripeStartup>();
        return stripe;
    }
}
