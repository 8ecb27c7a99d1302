/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Decision support on SQLite. `database make FILE` fills a database; `database FILE` reads it into memory, and eight
 * threads query that one image where it is, each with a connection of its own. Sales over items and shops: scans with
 * grouping and joins. Statistics of memory use are off: they are global counters, and half of all misses would fall on
 * them.
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, SALES = 40000, ITEMS = 1000, SHOPS = 64, ROUNDS = 4 };

static unsigned char *image;
static sqlite3_int64 image_size;

static void check(int code, sqlite3 *db, const char *what)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return;
    fprintf(stderr, "database: %s: %s\n", what, db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
    exit(1);
}

static void run(sqlite3 *db, const char *sql)
{
    check(sqlite3_exec(db, sql, NULL, NULL, NULL), db, sql);
}

static void fill(sqlite3 *db)
{
    char sql[512];
    run(db, "begin");
    run(db, "create table shop(id integer primary key, region int, size int)");
    run(db, "create table item(id integer primary key, kind int, price int, name text)");
    run(db, "create table sale(id integer primary key, item int, shop int, day int, number int, note text)");
    snprintf(sql, sizeof sql,
             "with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) "
             "insert into shop select i, i %% 7, i * 31 %% 100 from n",
             SHOPS);
    run(db, sql);
    snprintf(sql, sizeof sql,
             "with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) "
             "insert into item select i, i * 17 %% 40, i * 7919 %% 1000, printf('item %%08d of many', i) from n",
             ITEMS);
    run(db, sql);
    snprintf(sql, sizeof sql,
             "with recursive n(i) as (select 1 union all select i + 1 from n where i < %d) insert into sale "
             "select i, i * 48271 %% %d + 1, i * 69621 %% %d + 1, i * 16807 %% 365, i %% 9 + 1, "
             "printf('sold on a day, number %%032d', i) from n",
             SALES, ITEMS, SHOPS);
    run(db, sql);
    run(db, "commit");
}

static const char *const queries[] = {
    "select region, sum(number * price) from sale join item on item.id = sale.item join shop on shop.id = sale.shop "
    "where day between ?1 and ?1 + 60 group by region",
    "select kind, count(*), avg(number) from sale join item on item.id = sale.item where shop = ?1 % 64 + 1 group by "
    "kind",
    "select sum(number), max(day), count(distinct shop) from sale where item % 100 = ?1 % 100",
    "select shop, sum(number) s from sale where day % 13 = ?1 % 13 group by shop order by s desc limit 10",
};
enum { QUERIES = sizeof queries / sizeof *queries };

static void *work(void *number)
{
    unsigned long me = (unsigned long)number;
    sqlite3 *db;
    check(sqlite3_open(":memory:", &db), NULL, "open");
    check(sqlite3_deserialize(db, "main", image, image_size, image_size, SQLITE_DESERIALIZE_READONLY), db, "image");
    run(db, "pragma mmap_size = 1073741824");
    for (unsigned long i = 0; i < ROUNDS * QUERIES; i++) {
        sqlite3_stmt *s;
        check(sqlite3_prepare_v2(db, queries[(i + me) % QUERIES], -1, &s, NULL), db, "prepare");
        sqlite3_bind_int(s, 1, (int)(me * 37 + i * 11) % 300);
        int code;
        while ((code = sqlite3_step(s)) == SQLITE_ROW)
            ;
        check(code, db, "step");
        sqlite3_finalize(s);
    }
    sqlite3_close(db);
    return NULL;
}

static int make(const char *path)
{
    sqlite3 *db;
    check(sqlite3_open(path, &db), NULL, path);
    fill(db);
    sqlite3_close(db);
    return 0;
}

/* By one thread: the image's pages are where that one runs. */
static void load(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f && !fseek(f, 0, SEEK_END))
        image_size = ftell(f);
    if (f)
        rewind(f);
    image = sqlite3_malloc64((sqlite3_uint64)image_size + 1);
    if (!f || !image || fread(image, 1, (size_t)image_size, f) != (size_t)image_size) {
        perror(path);
        exit(1);
    }
    fclose(f);
}

int main(int argc, char **argv)
{
    pthread_t thread[THREADS];
    check(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), NULL, "configure");
    if (argc == 3 && !strcmp(argv[1], "make"))
        return make(argv[2]);
    if (argc != 2)
        return 2;
    load(argv[1]);
    for (unsigned long i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, work, (void *)i);
    for (unsigned long i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    return 0;
}
