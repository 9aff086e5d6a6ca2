<?php
// Takes the orders that a shop sends to the job's webhook, each once however often it is sent, and keeps them.
//
//   jobyard script deploy examples/orders-php --name orders --overlap queue
//   jobyard webhook set orders                      # prints the address and the password
//   curl -u jobyard:PASSWORD -H 'Content-Type: application/json' --data @order.json ADDRESS
//   jobyard script run orders --wait --input order.json          # or by hand
//
// The body: {"orders": [{"id": "A-1", "customer": "Ada", "lines": [{"sku": "tea", "quantity": 2, "price": "4.50"}]}]}
// Orders are added to orders.jsonl in the job's data folder. A body with anything wrong in it is refused as a whole, with
// exit code 2 and one line per mistake, and nothing is kept of it. Needs PHP 8.1 or newer, without extensions.

declare(strict_types=1);

exit(main());

function main(): int
{
    $file = getenv('JOBYARD_PAYLOAD_FILE');
    if ($file === false) {
        return refuse(['the run brought no body: call the webhook, or add --input FILE']);
    }
    $body = json_decode((string) file_get_contents($file), true);
    if (!is_array($body) || !isset($body['orders']) || !is_array($body['orders'])) {
        return refuse(['the body is no JSON object with a list "orders"']);
    }
    $orders = array_values($body['orders']);
    $faults = array_merge([], ...array_map('faultsOf', $orders, array_keys($orders)));
    return $faults === [] ? keep($orders) : refuse($faults);
}

/** @param list<string> $faults */
function refuse(array $faults): int
{
    foreach ($faults as $fault) {
        fwrite(STDERR, "orders: $fault\n");
    }
    return 2;
}

/** @return list<string> What is wrong with an order. */
function faultsOf(mixed $order, int $index): array
{
    if (!is_array($order)) {
        return ["orders[$index] is no object"];
    }
    $faults = [];
    foreach (['id', 'customer'] as $key) {
        if (!is_string($order[$key] ?? null) || $order[$key] === '') {
            $faults[] = "orders[$index].$key is missing";
        }
    }
    if (!is_array($order['lines'] ?? null) || $order['lines'] === []) {
        return [...$faults, "orders[$index].lines is missing"];
    }
    foreach (array_values($order['lines']) as $at => $line) {
        $place = "orders[$index].lines[$at]";
        if (!is_string($line['sku'] ?? null)) {
            $faults[] = "$place.sku is missing";
        }
        if (!is_int($line['quantity'] ?? null) || $line['quantity'] < 1) {
            $faults[] = "$place.quantity is no number of 1 or more";
        }
        if (!is_string($line['price'] ?? null) || !preg_match('/^\d{1,9}(\.\d{2})?$/D', $line['price'])) {
            $faults[] = "$place.price is no price such as \"4.50\"";
        }
    }
    return $faults;
}

/**
 * Adds the orders that are not there yet. One run at a time holds the file, whatever the job's overlap rule says.
 *
 * @param list<array<string, mixed>> $orders
 */
function keep(array $orders): int
{
    $path = getenv('WEBJOBS_DATA_PATH') . '/orders.jsonl';
    $store = fopen($path, 'c+');
    if ($store === false || !flock($store, LOCK_EX)) {
        fwrite(STDERR, "orders: $path cannot be opened\n");
        return 1;
    }
    $known = knownIds($store);
    [$new, $again, $cents] = [0, 0, 0];
    foreach ($orders as $order) {
        if (isset($known[$order['id']])) {
            echo "order {$order['id']} was taken before\n";
            $again++;
            continue;
        }
        $total = array_sum(array_map(fn (array $line): int => $line['quantity'] * cents($line['price']), $order['lines']));
        $line = json_encode([...$order, 'totalCents' => $total], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
        if (fwrite($store, "$line\n") !== strlen($line) + 1) {
            fwrite(STDERR, "orders: $path cannot be written; is the disk full?\n");
            return 1;
        }
        echo "order {$order['id']} of {$order['customer']}: " . money($total) . "\n";
        $known[$order['id']] = true;
        $new++;
        $cents += $total;
    }
    fflush($store);
    fsync($store);
    echo "$new new orders over " . money($cents) . ", $again known before\n";
    return 0;
}

/**
 * The ids in the file. A last line that a crash cut short is taken away.
 *
 * @param resource $store
 * @return array<string, true>
 */
function knownIds($store): array
{
    $known = [];
    $whole = 0;
    while (($line = fgets($store)) !== false) {
        if (!str_ends_with($line, "\n")) {
            ftruncate($store, $whole);
            break;
        }
        $whole += strlen($line);
        $known[json_decode($line, true, flags: JSON_THROW_ON_ERROR)['id']] = true;
    }
    fseek($store, $whole);
    return $known;
}

function cents(string $price): int
{
    return (int) round((float) $price * 100);
}

function money(int $cents): string
{
    return sprintf('%d.%02d', intdiv($cents, 100), $cents % 100);
}
