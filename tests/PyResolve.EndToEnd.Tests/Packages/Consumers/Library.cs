using System;
using System.Threading.Tasks;
using PyResolve.Client;

namespace Upgrading
{
    /// <summary>A library that also targets .NET Framework, in C# 9, the oldest version with init-only properties.</summary>
    public static class Upgrader
    {
        public static async Task<string> UpgradeAsync()
        {
            var pyresolve = PyResolveClient.Create();
            try
            {
                using (var permit = await pyresolve.Quota.AcquireAsync(new MigrationRequest("pydantic") { Quantity = 2 }))
                {
                    if (!permit.IsGranted)
                        return permit.Denial.Message;
                    await permit.CompleteAsync(new MigrationOutcome { FilesChanged = 3 });
                }

                var result = pyresolve.Usage.Report(new UsageEvent("scan") { Library = "pydantic", OccurredAt = DateTimeOffset.UtcNow });
                await pyresolve.Usage.FlushAsync();
                var quota = await pyresolve.GetQuotaAsync();
                return $"accepted {result.IsAccepted}, sent {pyresolve.Usage.Sent}, left {quota.MigrationsRemaining}";
            }
            finally
            {
                pyresolve.Dispose();
            }
        }
    }
}
