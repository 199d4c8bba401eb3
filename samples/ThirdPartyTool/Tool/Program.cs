using Microsoft.Extensions.DependencyInjection;
using UtcNow;

if (args is not [var folder] || !Directory.Exists(folder))
{
    Console.Error.WriteLine("Usage: utcnow <folder>    replaces datetime.utcnow(), which Python 3.12 deprecates");
    return 2;
}

await using var services = new ServiceCollection().AddUtcNow().BuildServiceProvider();
return await services.GetRequiredService<Upgrade>().RunAsync(folder, Console.Out, Console.Error, CancellationToken.None);
