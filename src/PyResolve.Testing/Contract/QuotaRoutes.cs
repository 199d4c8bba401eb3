using PyResolve.Client.Wire;
using PyResolve.Testing.Http;
using PyResolve.Testing.State;

namespace PyResolve.Testing.Contract;

internal static class QuotaRoutes
{
    private const int MostUnits = 1_000;
    private const int LongestTtl = 604_800;
    private const int LongestMachine = 255;
    private const int MostOnceAnswers = 64;
    private static readonly TimeSpan OnceWindow = TimeSpan.FromHours(24);

    public static FakeAnswer Quota(Call call) => FakeAnswer.Json(call.Account.Books.Quota(call.Now), WireJson.Default.QuotaSnapshot);

    public static FakeAnswer Hold(Call call)
    {
        var idempotencyKey = call.Request.Header("Idempotency-Key");
        if (idempotencyKey is not null && !Rules.IsKey(idempotencyKey))
            throw new ProblemException(Problems.Malformed("Idempotency-Key must be 1 to 255 visible ASCII characters, sent once."));
        var body = call.Body(WireJson.Default.ReservationRequest);
        var rules = new Rules();
        rules.Range("quantity", body.Quantity, 1, MostUnits);
        rules.Tier("tier", body.Tier, required: true);
        rules.Text("library", body.Library, Rules.LongestLibrary);
        rules.Range("ttl_seconds", body.TtlSeconds, 1, LongestTtl);
        rules.Text("machine", body.Machine, LongestMachine);
        if (body.OnceKey is { } onceKey && !Rules.IsKey(onceKey))
            rules.Add("once_key", "must be 1 to 255 visible ASCII characters.");
        rules.ThrowIfAny();

        var wanted = body with { Quantity = body.Quantity ?? 1, TtlSeconds = body.TtlSeconds ?? 900 };
        call.Account.Books.SettleDue(call.Now);
        var (hold, isNew) = Decide(call, wanted, idempotencyKey);
        var answer = FakeAnswer.Json(call.Account.Books.Describe(hold, wanted.Machine, call.Now), WireJson.Default.Reservation, isNew ? 201 : 200);
        return isNew ? answer with { Headers = [("Location", $"/quota/reservations/{hold.Id}")] } : answer;
    }

    public static FakeAnswer Read(Call call)
    {
        var hold = Find(call);
        return FakeAnswer.Json(call.Account.Books.Describe(hold, hold.Machine, call.Now) with { Receipt = hold.Receipt }, WireJson.Default.Reservation);
    }

    public static FakeAnswer Commit(Call call)
    {
        var body = call.Body(WireJson.Default.CommitRequest, whenEmpty: new());
        var rules = new Rules();
        rules.Range("quantity", body.Quantity, 1, MostUnits);
        rules.Counts(body.FilesChanged, body.TokensUsed);
        rules.Text("library", body.Library, Rules.LongestLibrary);
        rules.Metadata(body.Metadata);
        rules.ThrowIfAny();

        var hold = Find(call);
        if (hold.State != ReservationStates.Committed)
            Settle(call, hold, body);
        return FakeAnswer.Json(
            new(hold.Id, ReservationStates.Committed, hold.UsageEventId, Remaining: 0, call.Account.Books.Quota(call.Now)), WireJson.Default.ReservationCommitted);
    }

    public static FakeAnswer Release(Call call)
    {
        var hold = Find(call);
        if (hold.State == ReservationStates.Committed)
            throw new ProblemException(Problems.Conflict("This reservation is committed: its migration is used and cannot be given back."));
        if (hold.Lapsed > 0 && call.Now > hold.RefundedUntil)
        {
            throw new ProblemException(Problems.Conflict(
                $"The lease of this reservation ended too long ago: what was left of it could be given back until {hold.RefundedUntil:yyyy-MM-dd'T'HH:mm:ss'Z'}, and stays used."));
        }

        if (hold.State != ReservationStates.Released)
            hold.Release();
        return FakeAnswer.Json(new(hold.Id, ReservationStates.Released, call.Account.Books.Quota(call.Now)), WireJson.Default.ReservationReleased);
    }

    private static (Hold Hold, bool IsNew) Decide(Call call, ReservationRequest wanted, string? idempotencyKey)
    {
        var books = call.Account.Books;
        var asked = wanted.ToString();
        if (idempotencyKey is not null && books.AskedBefore.TryGetValue(idempotencyKey, out var first))
        {
            return first.Asked == asked
                ? (first.Hold, first.IsNew)
                : throw new ProblemException(Problems.Conflict("This Idempotency-Key was used for another request. Use a new one for each new request."));
        }

        var same = books.Holds.FindLast(hold => wanted.OnceKey is not null && hold.OnceKey == wanted.OnceKey && hold.CreatedAt > call.Now - OnceWindow);
        if (same is { State: not (ReservationStates.Held or ReservationStates.Committed) })
            same = null;
        (Hold Hold, bool IsNew) decided = same is not null && same.Tier == wanted.Tier && same.Quantity == wanted.Quantity
            ? (Repeat(same), false)
            : (Grant(call, wanted, same), true);
        if (idempotencyKey is not null)
            books.AskedBefore[idempotencyKey] = (asked, decided.Hold, decided.IsNew);
        return decided;
    }

    private static Hold Repeat(Hold same)
    {
        if (same.State == ReservationStates.Committed && ++same.OnceAnswers > MostOnceAnswers)
            throw new ProblemException(Problems.Conflict($"This once_key was answered {MostOnceAnswers} times without a debit. Use another for other work."));
        return same;
    }

    private static Hold Grant(Call call, ReservationRequest wanted, Hold? same)
    {
        var quota = call.Account.Books.Quota(call.Now);
        var upgradeUrl = $"{call.Server.PublicUrl}/plans";
        if (wanted.Tier is not "tier1" && !quota.LlmAllowed)
        {
            throw new ProblemException(
                Problems.Forbidden(ProblemCodes.LlmNotAllowed, $"LLM migrations (tier2, tier3) are not part of the {quota.Plan} plan. Upgrade at {upgradeUrl}, or use tier1.")
                    with { UpgradeUrl = upgradeUrl });
        }

        if (same is not null)
            throw new ProblemException(Problems.Conflict($"This once_key stands for {same.Quantity} of {same.Tier}. Use another for other work."));
        var quantity = wanted.Quantity!.Value;
        if (quota.MigrationsLimit.Value is { } limit && quota.MigrationsUsed + quota.MigrationsHeld + quantity > limit)
        {
            var detail = $"Monthly limit reached ({limit} migrations on the {quota.Plan} plan: {quota.MigrationsUsed} used, {quota.MigrationsHeld} held, {quantity} asked for). "
                + $"It resets at {quota.ResetsAt:yyyy-MM-dd'T'HH:mm:ss'Z'}.";
            throw new ProblemException(Problems.Create(402, ProblemCodes.QuotaExceeded, detail) with { UpgradeUrl = upgradeUrl, ResetsAt = quota.ResetsAt });
        }

        var hold = new Hold
        {
            Quantity = quantity,
            Tier = wanted.Tier!,
            Library = wanted.Library,
            Month = quota.Month,
            Machine = wanted.Machine,
            IsLeased = wanted.Machine is not null && call.Server.IssuesLeases,
            OnceKey = wanted.OnceKey,
            CreatedAt = call.Now,
            ExpiresAt = call.Now.AddSeconds(wanted.TtlSeconds!.Value),
            Receipt = new(quota.Plan, quota.MigrationsLimit, quota.MigrationsUsed, quota.MigrationsHeld, Explain(quota, quantity)),
        };
        call.Account.Books.Holds.Add(hold.Granted());
        return hold;
    }

    private static string Explain(QuotaSnapshot quota, int quantity) => quota.MigrationsLimit.IsUnlimited
        ? $"Granted: the {quota.Plan} plan has no limit."
        : $"Granted: {quota.MigrationsUsed} used + {quota.MigrationsHeld} held + {quantity} asked for is within the {quota.MigrationsLimit} of the {quota.Plan} plan.";

    /// <summary>Records what was done under a hold. What an ended one no longer holds was still worked for: all but what events have spent of it.</summary>
    private static void Settle(Call call, Hold hold, CommitRequest commit)
    {
        var books = call.Account.Books;
        var available = hold.Available(books.Events.Where(recorded => recorded.Event.ReservationId == hold.Id).Sum(static recorded => recorded.Event.Quantity));
        if (commit.Quantity > available)
            throw new ProblemException(Problems.Invalid("quantity", $"is more than the {available} that the reservation has left."));
        if (available == 0)
        {
            hold.Commit(0, hold.UsageEventId, call.Now);
            return;
        }

        var usage = new UsageEventRequest
        {
            EventType = Recorded.Migration,
            Library = commit.Library ?? hold.Library,
            Tier = hold.Tier,
            FilesChanged = commit.FilesChanged,
            TokensUsed = commit.TokensUsed,
            Metadata = commit.Metadata,
            ReservationId = hold.Id,
            Id = commit.Id,
        };
        var recorded = Recorded.From(usage, commit.Quantity ?? available, hold, call.Now);
        if (books.Events.Exists(earlier => earlier.Event.Id == recorded.Event.Id))
            throw new ProblemException(Problems.Conflict("Another usage event has this id already. Send another id, or none."));
        books.Events.Add(recorded);
        hold.Commit(recorded.Event.Quantity, recorded.Event.Id, call.Now);
    }

    private static Hold Find(Call call)
    {
        call.Account.Books.SettleDue(call.Now);
        return call.Account.Books.Holds.Find(hold => hold.Id == call.Id) ?? throw new ProblemException(Problems.NotFound("There is no such reservation."));
    }
}
