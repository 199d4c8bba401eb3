using PyResolve.Client.Wire;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Http;

namespace PyResolve.Server.Billing;

internal static partial class BillingProblems
{
    private static readonly TimeSpan StripeRetry = TimeSpan.FromSeconds(5);

    public static ProblemResult NotConfigured(string detail) => new(Problems.Create(503, ProblemCodes.BillingNotConfigured, detail));

    public static ProblemResult NoAccount(string upgradeUrl) =>
        new(Problems.Create(400, ProblemCodes.NoBillingAccount, $"No billing account. Subscribe first at {upgradeUrl}"));

    public static ProblemResult AlreadySubscribed(string portalUrl) => new(
        Problems.Create(409, ProblemCodes.AlreadySubscribed, ProblemTexts.AlreadySubscribed)
            with { PortalUrl = portalUrl });

    public static ProblemResult? CheckConfigured(BillingOptions options) =>
        options.IsConfigured ? null : NotConfigured("This server sells no subscriptions: STRIPE_SECRET_KEY is not set.");

    /// <summary>Makes routes answer 503 when Stripe fails, 409 when it refuses the buyer. What Stripe said is only logged.</summary>
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
                return Report(invocation.HttpContext, exception);
            }
        });
        return routes;
    }

    public static ProblemResult Report(HttpContext http, StripeException exception)
    {
        var logger = http.RequestServices.GetRequiredService<ILogger<StripeGateway>>();
        Log.Failed(logger, http.TraceIdentifier, exception.Message, exception.RequestId ?? "none");
        if (exception.IsOfCurrency)
            return new ProblemResult(Problems.Create(409, ProblemCodes.CurrencyConflict, ProblemTexts.CurrencyConflict));
        if (exception.IsOfInactivePrice)
            return new ProblemResult(Problems.Create(409, ProblemCodes.PlanNotForSale, ProblemTexts.PlanNotForSale));
        return exception.IsTransient
            ? new ProblemResult(
                Problems.Create(503, ProblemCodes.Unavailable, "Stripe does not answer. Try again shortly: nothing is charged twice."),
                StripeRetry)
            : NotConfigured("Stripe refused the server's request. The operator finds the cause in the log, or by 'stripe doctor'.");
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Stripe failed (request {RequestId}): {Cause} (Stripe's request {StripeRequestId})")]
        public static partial void Failed(ILogger logger, string requestId, string cause, string stripeRequestId);
    }
}
