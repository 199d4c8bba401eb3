namespace PyResolve.StripeSimulator;

internal static class StandaloneProgram
{
    private const int DefaultPort = 12111;

    public static async Task<int> RunAsync(string[] args)
    {
        var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
        try
        {
            await using var simulator = await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions
            {
                Port = configuration.GetValue("port", DefaultPort),
                SecretKey = configuration["STRIPE_SECRET_KEY"] ?? StripeSimulatorOptions.DefaultSecretKey,
                Environment = configuration["ASPNETCORE_ENVIRONMENT"] ?? configuration["DOTNET_ENVIRONMENT"] ?? Environments.Development,
                Logs = true,
            });
            Console.WriteLine($"A simulated Stripe is at {simulator.Address.ToString().TrimEnd('/')}. For the server:");
            Console.WriteLine();
            Console.WriteLine($"  STRIPE_API_BASE={simulator.Address.ToString().TrimEnd('/')}");
            Console.WriteLine($"  STRIPE_SECRET_KEY={simulator.SecretKey}");
            if (configuration["STRIPE_WEBHOOK_URL"] is { Length: > 0 } url)
            {
                var secret = simulator.Simulation.AddWebhookEndpoint(new Uri(url), configuration["STRIPE_WEBHOOK_SECRET"]);
                Console.WriteLine($"  STRIPE_WEBHOOK_SECRET={secret}");
            }

            Console.WriteLine();
            Console.WriteLine("With these set, 'stripe setup' makes the prices and the webhook endpoint, and prints the other settings.");
            await simulator.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception failure) when (failure is InvalidOperationException or IOException or UriFormatException)
        {
            await Console.Error.WriteLineAsync(failure.Message);
            return 1;
        }
    }
}
