using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PyResolve.Client;
using PyResolve.Client.Wire;

// Uses every part of the SDK once, so that a part that trimming removes is noticed.
var services = new ServiceCollection();
services.AddLogging();
services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
    .AddInMemoryCollection(new Dictionary<string, string?> { ["PyResolve:RequestTimeout"] = "00:00:20" })
    .Build());
services.AddPyResolveClient(options => options.OutboxCapacity = 100);
await using var provider = services.BuildServiceProvider();
var pyresolve = provider.GetRequiredService<PyResolveClient>();

AccountInfo account = await pyresolve.GetAccountAsync();
Console.WriteLine($"account {account.Email} on {account.Plan}, key from {pyresolve.Keys.FindApiKey()?.Source}");

await using (var permit = await pyresolve.Quota.AcquireAsync(new MigrationRequest("pydantic") { Quantity = 2 }))
    await permit.CompleteAsync(new MigrationOutcome { FilesChanged = 3, TokensUsed = 7 });
await using (var permit = await pyresolve.Quota.AcquireAsync(new MigrationRequest("pydantic") { Quantity = 4 }))
    Console.WriteLine($"denied {permit.Denial?.Code}");
Console.WriteLine($"check {(await pyresolve.Quota.CheckAsync(MigrationTier.Tier2)).Denial?.Code}");

for (var i = 0; i < 3; i++)
    pyresolve.Usage.Report(new UsageEvent("scan") { Library = "pydantic", FilesChanged = i });
await pyresolve.Usage.FlushAsync();
Console.WriteLine($"sent {pyresolve.Usage.Sent}, pending {pyresolve.Usage.Pending}");

UsageStatistics usage = await pyresolve.GetUsageAsync();
Console.WriteLine($"used {usage.Migrations} for {usage.ByLibrary.Single(library => library.Migrations > 0).Library}");

var store = new ApiKeyStore(profile: "work");
store.Save(pyresolve.Keys.FindApiKey()!.Key, pyresolve.ApiUrl);
Console.WriteLine($"profiles {string.Join(",", store.ListProfiles())}");

try
{
    await pyresolve.ListApiKeysAsync();
}
catch (PyResolveException exception)
{
    Console.WriteLine($"refused {exception.Code} {exception.Status}");
}
