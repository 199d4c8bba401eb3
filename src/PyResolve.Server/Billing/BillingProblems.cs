using PyResolve.Client.Wire;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Http;

namespace PyResolve.Server.Billing;

/// <summary>Why nothing can be sold or managed.</summary>
internal static partial class BillingProblems
{
    private static readonly TimeSpan StripeRetry = TimeSpan.FromSeconds(5);

    public static ProblemResult NotConfigured(string detail) => new(Problems.Create(503, ProblemCodes.BillingNotConfigured, detail));

    public static ProblemResult NoAccount(string upgradeUrl) =>
        new(Problems.Create(400, ProblemCodes.NoBillingAccount, $"No billing account. Subscribe first at {upgradeUrl}"));

    /// <summary>Why nothing is for sale here, if so.</summary>
    public static ProblemResult? Unless(BillingOptions options) =>
        options.IsConfigured ? null : NotConfigured("This server sells no subscriptions: its operator has not set STRIPE_SECRET_KEY.");

    /// <summary>On a group of routes: where Stripe fails they answer 503; what Stripe said is in the log.</summary>
    public static RouteGroupBuilder ReportStripeFailures(this RouteGroupBuilder routes)
    {
        routes.AddEndpointFilter(static async (invocation, next) =>
        {
            try
            {
                return await next(invocation);
            }
            catch (StripeException exception)
            {
                var http = invocation.HttpContext;
                Log.Failed(http.RequestServices.GetRequiredService<ILogger<StripeGateway>>(), http.TraceIdentifier, exception.Message, exception.RequestId);
                return exception.IsTransient
                    ? new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, "Stripe does not answer. Try again shortly: nothing is charged twice."), StripeRetry)
                    : NotConfigured("Stripe refuses what this server asks of it. Its operator finds the cause in the log, and by the command 'stripe doctor'.");
            }
        });
        return routes;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Stripe failed (request {RequestId}): {Cause} (Stripe's request {StripeRequestId})")]
        public static partial void Failed(ILogger logger, string requestId, string cause, string? stripeRequestId);
    }
}
