using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class Routes
{
    private const string Id = "{id}";

    private static readonly Route[] All =
    [
        new("GET", "/", RouteAccess.Anyone, null, ServiceRoutes.Service),
        new("GET", "/health", RouteAccess.Anyone, null, ServiceRoutes.Health),
        new("GET", "/health/ready", RouteAccess.Anyone, null, ServiceRoutes.Health),
        new("GET", "/plans", RouteAccess.Anyone, null, ServiceRoutes.Plans),
        new("GET", "/.well-known/jwks.json", RouteAccess.Anyone, null, ServiceRoutes.LeaseKeys),
        new("POST", "/auth/signup", RouteAccess.Anyone, null, AccountRoutes.SignUp),
        new("POST", "/auth/login", RouteAccess.Anyone, null, AccountRoutes.LogIn),
        new("POST", "/auth/logout", RouteAccess.Session, null, AccountRoutes.LogOut),
        new("POST", "/auth/password", RouteAccess.Session, null, AccountRoutes.ChangePassword),
        new("POST", "/auth/password/forgot", RouteAccess.Anyone, null, AccountRoutes.ForgotPassword),
        new("POST", "/auth/password/reset", RouteAccess.Anyone, null, AccountRoutes.ResetPassword),
        new("POST", "/auth/email/verify", RouteAccess.Anyone, null, AccountRoutes.VerifyEmail),
        new("DELETE", "/auth/account", RouteAccess.Session, null, AccountRoutes.Delete),
        new("GET", "/me", RouteAccess.KeyOrSession, null, AccountRoutes.Me),
        new("PATCH", "/me", RouteAccess.Session, null, AccountRoutes.Rename),
        new("GET", "/audit", RouteAccess.Session, null, AccountRoutes.Audit),
        new("GET", "/auth/sessions", RouteAccess.Session, null, AccountRoutes.ListSessions),
        new("DELETE", "/auth/sessions/{id}", RouteAccess.Session, null, AccountRoutes.EndSession),
        new("GET", "/auth/api-keys", RouteAccess.KeyOrSession, Scopes.Keys, KeyRoutes.List),
        new("POST", "/auth/api-keys", RouteAccess.KeyOrSession, Scopes.Keys, KeyRoutes.Create),
        new("POST", "/auth/api-keys/report-leak", RouteAccess.Anyone, null, KeyRoutes.ReportLeak),
        new("POST", "/auth/api-keys/{id}/rotate", RouteAccess.KeyOrSession, Scopes.Keys, KeyRoutes.Rotate),
        new("DELETE", "/auth/api-keys/{id}", RouteAccess.KeyOrSession, Scopes.Keys, KeyRoutes.Revoke),
        new("POST", "/auth/device/code", RouteAccess.Anyone, null, DeviceRoutes.Begin),
        new("POST", "/auth/device/token", RouteAccess.Anyone, null, DeviceRoutes.Exchange),
        new("GET", "/quota", RouteAccess.KeyOrSession, null, QuotaRoutes.Quota),
        new("POST", "/quota/reservations", RouteAccess.KeyOrSession, Scopes.Quota, QuotaRoutes.Reserve),
        new("GET", "/quota/reservations", RouteAccess.KeyOrSession, Scopes.Quota, QuotaRoutes.List),
        new("GET", "/quota/reservations/{id}", RouteAccess.KeyOrSession, Scopes.Quota, QuotaRoutes.Read),
        new("PATCH", "/quota/reservations/{id}", RouteAccess.KeyOrSession, Scopes.Quota, QuotaRoutes.Extend),
        new("DELETE", "/quota/reservations/{id}", RouteAccess.KeyOrSession, Scopes.Quota, QuotaRoutes.Release),
        new("POST", "/quota/reservations/{id}/commit", RouteAccess.KeyOrSession, Scopes.Quota, QuotaRoutes.Commit),
        new("POST", "/migrate", RouteAccess.KeyOrSession, Scopes.Migrate, MigrateRoutes.Start),
        new("GET", "/migrate/{id}", RouteAccess.KeyOrSession, Scopes.Migrate, MigrateRoutes.Read),
        new("DELETE", "/migrate/{id}", RouteAccess.KeyOrSession, Scopes.Migrate, MigrateRoutes.Cancel),
        new("POST", "/usage", RouteAccess.KeyOrSession, Scopes.UsageWrite, UsageRoutes.Record),
        new("POST", "/usage/batch", RouteAccess.KeyOrSession, Scopes.UsageWrite, UsageRoutes.RecordBatch),
        new("GET", "/usage", RouteAccess.KeyOrSession, Scopes.UsageRead, StatisticsRoutes.Month),
        new("GET", "/usage/history", RouteAccess.KeyOrSession, Scopes.UsageRead, StatisticsRoutes.History),
        new("GET", "/usage/events", RouteAccess.KeyOrSession, Scopes.UsageRead, StatisticsRoutes.Events),
        new("GET", "/usage/export.csv", RouteAccess.KeyOrSession, Scopes.UsageRead, StatisticsRoutes.Export),
        new("POST", "/billing/checkout", RouteAccess.KeyOrSession, Scopes.Billing, BillingRoutes.StartCheckout),
        new("POST", "/billing/overage", RouteAccess.KeyOrSession, Scopes.Billing, BillingRoutes.SetOverage),
        new("GET", "/billing/portal", RouteAccess.KeyOrSession, Scopes.Billing, BillingRoutes.OpenPortal),
        new("GET", "/billing/subscription", RouteAccess.KeyOrSession, Scopes.Billing, BillingRoutes.ReadSubscription),
        new("GET", "/billing/invoices", RouteAccess.KeyOrSession, Scopes.Billing, BillingRoutes.ListInvoices),
    ];

    public static FakeAnswer Answer(ServerState server, FakeRequest request)
    {
        try
        {
            var (route, id) = Find(request);
            var caller = route.Access is RouteAccess.Anyone ? null : Authentication.Find(server, request, route.Access, route.Scope);
            var answer = route.Handle(new(server, request, caller, id));
            return caller is not null && route.Scope is Scopes.UsageWrite or Scopes.Quota
                ? answer with { Headers = [.. answer.Headers, ("X-Account-Id", caller.Account.Id.ToString("D"))] }
                : answer;
        }
        catch (ProblemException exception)
        {
            return FakeAnswer.Of(exception.Problem, exception.RetryAfter);
        }
    }

    private static (Route Route, Guid Id) Find(FakeRequest request)
    {
        var path = request.Path.Split('/');
        var (id, known) = (Guid.Empty, false);
        foreach (var route in All)
        {
            if (!route.Matches(path, out id))
                continue;
            known = true;
            if (route.Method == request.Method)
                return (route, id);
        }

        throw new ProblemException(known
            ? Problems.Create(
                405, ProblemCodes.MethodNotAllowed, ProblemTexts.MethodNotAllowed)
            : Problems.NotFound(ProblemTexts.PathNotFound));
    }

    private sealed record Route(string Method, string Path, RouteAccess Access, string? Scope, Func<Call, FakeAnswer> Handle)
    {
        private readonly string[] _segments = Path.Split('/');

        public bool Matches(string[] path, out Guid id)
        {
            id = Guid.Empty;
            if (path.Length != _segments.Length)
                return false;
            for (var i = 0; i < path.Length; i++)
            {
                if (_segments[i] == Id ? !Guid.TryParseExact(path[i], "D", out id) : _segments[i] != path[i])
                    return false;
            }

            return true;
        }
    }
}
